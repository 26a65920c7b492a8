/** Versions of ASP.NET Core whose reading of a ring is known (test/interop/ringReader holds it against each). */
export const consumerVersions = [8, 9, 10, 11] as const;
export type ConsumerVersion = (typeof consumerVersions)[number];
