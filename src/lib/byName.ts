/** A table that is asked by names from outside: it has its own names alone, and not `constructor` or `toString`, which every object has. */
export const byName = <T>(table: Record<string, T>): Readonly<Record<string, T>> =>
  Object.assign(Object.create(null) as Record<string, T>, table);
