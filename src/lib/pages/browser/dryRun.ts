import { functionKey } from './functionKey.ts';
import { exactText, valueText } from './values.ts';

/** For a line that is dead: a dry run itself ends well before. */
const patienceMs = 360_000;

/** What is told of the answer, as openapi.json describes it. */
interface Answer {
  report?: { wouldDelete: { count: number; estimated: boolean }; wouldFreeBytes: number | null };
  /** What a refusal says. */
  detail?: string;
  advice?: string;
}

/** Shows the buttons that ask for a dry run of a purge. Who may not ask is told so by the route. */
export function offerDryRuns(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-cache]')) {
    button.hidden = false;
    button.addEventListener('click', () => void askFor(button));
  }
}

async function askFor(button: HTMLButtonElement): Promise<void> {
  const { cache = '' } = button.dataset;
  const place = button.parentElement?.querySelector('[role=status]');
  if (!place || button.ariaDisabled === 'true') return;
  const question = `Find out what a purge of ${cache} would delete? It reads the table and deletes nothing. The run is recorded.`;
  if (!confirm(question)) return;
  // Not `disabled`, which would take the focus away.
  button.ariaDisabled = 'true';
  place.textContent = 'Reading …';
  const told = await dryRun(cache).catch(() => 'The function app does not answer.');
  place.textContent = `${told} Nothing was deleted.`;
  button.ariaDisabled = 'false';
}

async function dryRun(cache: string): Promise<string> {
  const response = await fetch(new URL('purge', location.href), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(functionKey !== undefined && { 'x-functions-key': functionKey }),
    },
    body: JSON.stringify({ cache, dryRun: true }),
    signal: AbortSignal.timeout(patienceMs),
  });
  const { report, detail, advice = '' }: Answer = await response.json().catch(() => ({}));
  if (!report) return `${detail ?? `The function app answered ${response.status}.`} ${advice}`;
  const { wouldDelete, wouldFreeBytes } = report;
  const about = wouldDelete.estimated ? 'about ' : '';
  const size = wouldFreeBytes === null ? '' : `, ${valueText('bytes', wouldFreeBytes)}`;
  return `A purge would delete ${about}${exactText('count', wouldDelete.count)} entries${size}.`;
}
