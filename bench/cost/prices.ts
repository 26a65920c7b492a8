/**
 * Meters of Azure in US dollars, East US, without free grants, each with its source. None was read from Azure itself, whose price
 * list cannot be reached from here: look them up before you rely on a sum.
 */
export const prices = {
  /** Flex Consumption, on demand: modal.com/blog/azure-function-pricing-guide, May 2025. */
  gigabyteSecond: 0.000026,
  /** The same source. */
  millionExecutions: 0.4,
  /** An execution counts for a second at least: learn.microsoft.com/answers/a/12389275, November 2025. */
  leastSeconds: 1,
  /** Pay as you go: monitoringcost.com/azure-monitor-cost, 2026. */
  gigabyteIngested: 2.3,
  /** A month of a log alert rule by its frequency in minutes: Retail Prices API as quoted in public repositories, July 2026. */
  logRule: { 5: 1.5, 15: 0.5 },
  /** Tables: from memory, no stored source; at a hundredth of a cent a thousand it hardly counts. */
  tenThousandTransactions: 0.00036,
} as const;

/** The rules of infra/modules/queryAlerts.bicep, by their frequency in minutes. */
export const alertRules = [5, 5, 15] as const;
