/** The header of Easy Auth, as anybody could write it. */
export function forgedPrincipal(role: string): string {
  return Buffer.from(
    JSON.stringify({
      claims: [
        { typ: 'roles', val: role },
        { typ: 'preferred_username', val: 'mallory@example.com' },
      ],
    }),
  ).toString('base64');
}
