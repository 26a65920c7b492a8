/**
 * A look that several need, or a load: made when the first asks, and once.
 * @param failed `kept`: whoever asks later still sees the failure. `forgotten`: it is made anew for who asks next
 */
export function once<T>(look: () => Promise<T>, failed: 'kept' | 'forgotten' = 'kept'): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    if (!result) {
      result = look();
      // That nobody hears of a failure must not end the process.
      result.catch(() => {
        if (failed === 'forgotten') result = undefined;
      });
    }
    return result;
  };
}
