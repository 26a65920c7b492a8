/** A look that several need, or a load: made when the first asks, and once. */
export function once<T>(look: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    if (!result) {
      result = look();
      // Whoever asks later still sees the failure; that nobody does must not end the process.
      result.catch(() => undefined);
    }
    return result;
  };
}
