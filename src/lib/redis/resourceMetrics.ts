/** Memory of a managed cache as its service measures it. */
export interface ResourceMemory {
  /** ISO 8601, of the measurement. */
  at: string;
  usedBytes: number | null;
  /** 0 to 1. */
  utilization: number;
}

/** The port to the metrics of the Azure resource behind a cache, for services whose INFO does not say how full they are. */
export interface ResourceMetrics {
  /**
   * The newest measurement; undefined where there is none of late.
   * @throws MaintenanceError `resource_metrics_unavailable`
   */
  memory(signal: AbortSignal): Promise<ResourceMemory | undefined>;
}
