import { functionKey } from './functionKey.ts';

/** How often the page is read anew while somebody looks at it. */
const everyMs = 60_000;
/** After this the reading is given up. */
const patienceMs = 30_000;

/** Shows the button that reads the page anew, and reads it anew every minute. `onRead` follows each reading. */
export function offerReload(onRead: () => void): void {
  const button = document.querySelector<HTMLButtonElement>('#reload');
  if (!button) return;
  let reading = false;
  const reload = async () => {
    if (reading) return;
    reading = true;
    const failure = await readAnew().catch(() => 'The function app does not answer.');
    if (failure === undefined) onRead();
    say(failure ? `${failure} What stands here is older.` : '');
    reading = false;
  };
  button.hidden = false;
  button.addEventListener('click', reload);
  setInterval(() => {
    if (document.visibilityState === 'visible' && !isInUse()) void reload();
  }, everyMs);
}

/** Somebody is selecting text or has the focus in what would be replaced. */
function isInUse(): boolean {
  const selecting = getSelection()?.isCollapsed === false;
  return selecting || document.querySelector('main')?.contains(document.activeElement) === true;
}

/** Says what went wrong; undefined where the page has been read and stands in the place of the old one. */
async function readAnew(): Promise<string | undefined> {
  const response = await fetch(location.href, {
    headers: { accept: 'text/html', ...(functionKey !== undefined && { 'x-functions-key': functionKey }) },
    cache: 'no-store',
    signal: AbortSignal.timeout(patienceMs),
  });
  if (response.status === 401) return 'The function key was refused: open the page with a valid one.';
  if (response.status === 403) return 'The sign-in lacks the app role TokenCache.Reader.';
  if (!response.ok) return `The function app answered ${response.status}.`;
  // Parsed without running scripts; only what the server has escaped comes from it.
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  const main = fresh.querySelector('main');
  const old = document.querySelector('main');
  if (!main || !old) return 'Signing in again is needed: load the page in the browser.';
  for (const { id } of old.querySelectorAll('details[open]')) {
    if (id) main.querySelector(`#${CSS.escape(id)}`)?.setAttribute('open', '');
  }
  const height = scrollY;
  old.replaceWith(document.adoptNode(main));
  document.title = fresh.title;
  document
    .querySelector('link[rel=icon]')
    ?.setAttribute('href', fresh.querySelector('link[rel=icon]')?.getAttribute('href') ?? '');
  scrollTo({ top: height });
  return undefined;
}

function say(text: string): void {
  const place = document.querySelector('#reading-text');
  if (place) place.textContent = text;
}
