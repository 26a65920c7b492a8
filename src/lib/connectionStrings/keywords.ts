import { withoutSecrets } from '../secret.ts';
import lists from './clientKeywords.json' with { type: 'json' };

/** What a client takes for one keyword. Asked of the client itself: `npm run keywords` writes the list. */
export interface Keyword {
  /** All names, in lower case, the client's own first. */
  names: string[];
  /** Any text is taken, of so many characters at most. */
  text?: true;
  longest?: number;
  /** A text of this form, as a regular expression. */
  form?: string;
  /** Ranges of whole numbers. */
  numbers?: [number, number][];
  /** Words in lower case (as they are where `exactCase`), with what each means. */
  choices?: Record<string, string>;
  /** Nothing behind the `=` leaves the default. */
  empty?: true;
  /** Quotes with nothing between them do so too. */
  emptyQuoted?: true;
  exactCase?: true;
  /** Blanks within quotes are refused. */
  exactBlanks?: true;
  /** Several choices, divided by commas. */
  list?: true;
}

export type ClientName = keyof typeof lists;

/** The keywords of each client, by the client's own name for them. */
export const clientKeywords = lists as unknown as Record<ClientName, Record<string, Keyword>>;

/** What the clients are called. */
export const clientTitles: Record<ClientName, string> = {
  npgsql: 'Npgsql',
  sqlClient: 'Microsoft.Data.SqlClient',
  stackExchangeRedis: 'StackExchange.Redis',
};

/** The client's own name of a keyword that stands under any of its names, in any case. */
export function ownName(client: ClientName, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return Object.entries(clientKeywords[client]).find(([, { names }]) => names.includes(wanted))?.[0];
}

/** The value as the client reads it, empty where it leaves the default; undefined where it refuses it. */
export function readValue(keyword: Keyword, text: string): string | number | undefined {
  if (keyword.text) return text.length <= (keyword.longest ?? text.length) ? text : undefined;
  if (keyword.form) return new RegExp(keyword.form).test(text) ? text : undefined;
  if (keyword.numbers) {
    const number = /^[\t-\r ]*[+-]?\d+[\t-\r ]*$/.test(text) ? Number(text) : Number.NaN;
    return keyword.numbers.some(([least, most]) => number >= least && number <= most) ? number : undefined;
  }
  if ((keyword.emptyQuoted && text === '') || (keyword.list && text.trim() === '')) return text;
  const choice = (word: string) => {
    const blanks = keyword.exactBlanks ? word : word.trim();
    return keyword.choices?.[keyword.exactCase ? blanks : blanks.toLowerCase()];
  };
  return keyword.list && text.split(',').every(choice) ? text : choice(text);
}

/** A value that a missing separator has run into what follows it, a password: it is not told, and the client would log in as nobody. */
export function isRunTogether(name: string, value: string | number): boolean {
  return !/password/i.test(name) && withoutSecrets(String(value)) !== value.toString();
}

/** What a keyword must have for a value, in words for a reader. */
export function wrongValue(name: string, { numbers, choices = {} }: Keyword): string {
  const [[least, most] = [0, 0]] = numbers?.slice(-1) ?? [];
  if (numbers) return `\`${name}\` must be a whole number from ${least} to ${most}`;
  const words = Object.keys(choices).filter((word) => !/^\d+$/.test(word));
  return words.length > 0
    ? `\`${name}\` must be ${words.join(', ')}`
    : `the value of \`${name}\` is not one that it takes`;
}

/**
 * What is wrong with a keyword that the client does not know. It may be a piece of a password, so it is not repeated itself:
 * told are the keyword before it, and one that may have been meant.
 */
export function unknownKeyword(client: ClientName, name: string, before: string | undefined): string {
  const wanted = name.toLowerCase();
  const title = clientTitles[client];
  for (const other of Object.keys(clientKeywords) as ClientName[]) {
    const own = ownName(other, wanted);
    if (own) return `\`${own}\` is a keyword of ${clientTitles[other]}, and ${title} does not know it`;
  }
  const meant = Object.entries(clientKeywords[client]).find(([, { names }]) =>
    names.some((each) => each.length >= 4 && distance(each, wanted) <= 2),
  );
  const place = before ? `what stands after \`${before}\`` : 'what it begins with';
  return `${place} is not a keyword of ${title}${meant ? `; perhaps \`${meant[0]}\` is meant` : ''}`;
}

/** So many letters must be taken away, put in or changed to make one word of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= other.length; at++) {
      const changed = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
