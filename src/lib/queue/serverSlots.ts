/** One run's place at a database server. */
export interface Slot {
  release(): Promise<void>;
}

/** `change` for runs that delete or build, `look` for runs that only count: those must not wait for hours behind the former. */
export type SlotKind = 'change' | 'look';

/**
 * The port to the places at each database server, shared by all instances: so many runs of a kind at once. A place is lost
 * when its holder dies.
 */
export interface ServerSlots {
  /** Without waiting; undefined where all are taken. */
  tryTake(server: string, kind: SlotKind): Promise<Slot | undefined>;
}
