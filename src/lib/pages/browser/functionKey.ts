/**
 * The function key that the page was opened with. Taken out of the address bar, and with it out of the entry in the
 * history, before anything else happens; kept in this module alone.
 */
export const functionKey = takeFunctionKey();

function takeFunctionKey(): string | undefined {
  const address = new URL(location.href);
  // The host takes the parameter in whatever case.
  const names = [...address.searchParams.keys()].filter((name) => name.toLowerCase() === 'code');
  const key = names.map((name) => address.searchParams.get(name)).find((value) => value);
  if (names.length === 0) return undefined;
  for (const name of names) address.searchParams.delete(name);
  history.replaceState(null, '', address);
  return key ?? undefined;
}
