const begin = '<!-- Written by `npm run docs`. -->';
const end = '<!-- As far as here. -->';

/** A text with what is written between its marks: the rest is written by hand. */
export function between(text: string, content: string): string {
  const [before = '', rest = ''] = text.split(begin);
  const [, after = '\n'] = rest.split(end);
  return `${before.trimEnd()}\n\n${begin}\n\n${content.trim()}\n\n${end}${after}`.trimStart();
}

export const code = (text: string) => `\`${text}\``;

/** A table; the cells are Markdown, on one line each. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(heads), row(heads.map(() => '---')), ...rows.map(row)].join('\n');
}
