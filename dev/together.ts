/**
 * Promise.all, but a failure waits for the others: what they have begun is then whole, and can be ended.
 * @throws the first failure, in the order given
 */
export async function together<T extends readonly unknown[]>(
  parts: readonly [...{ [K in keyof T]: T[K] | Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(parts);
  return (await Promise.all(parts)) as unknown as T;
}
