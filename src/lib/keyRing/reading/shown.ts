const longestShown = 200;

/** A name or type that a ring, or its store, holds, for a terminal or page: without control characters, and cut. */
export function shown(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu, '\ufffd');
  return plain.length <= longestShown ? plain : `${plain.slice(0, longestShown)}…`;
}
