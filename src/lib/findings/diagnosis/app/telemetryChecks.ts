import type { AppReport } from '../../../appTelemetry/appReport.ts';
import { type Check, outcomeOf, pass, type Symptom, unknown } from '../../../checks/check.ts';
import type { judgeAppReport } from '../../judgeWebApp.ts';

/** What a cache's web app tells of itself, looked at for a diagnosis. */
export interface TelemetrySubject {
  look(): Promise<{ report: AppReport; findings: ReturnType<typeof judgeAppReport> }>;
}

interface TelemetryRow {
  symptom: Symptom;
  /** Whether the telemetry tells it at all: what is not known is not well. */
  isTold(report: AppReport): boolean;
}

const ofCalls = ({ calls }: AppReport) => calls !== null;

/** The findings of the watch, each a check of its own. */
const rows: Record<string, TelemetryRow> = {
  'app-hit-ratio': { symptom: 'prompts', isTold: ({ hitRatio }) => hitRatio !== null },
  'app-latency': { symptom: 'slow', isTold: ({ l1Latency, l2Latency }) => (l1Latency ?? l2Latency) !== null },
  'app-unreadable-entries': {
    symptom: 'deserialization',
    isTold: ({ unreadable }) => Object.values(unreadable).some((figure) => figure !== null),
  },
  'app-store-errors': { symptom: 'connection', isTold: ({ storeErrors }) => storeErrors !== null },
  'app-failures': { symptom: 'prompts', isTold: ofCalls },
  'app-errors-after-deployment': { symptom: 'deserialization', isTold: ofCalls },
  'app-sign-ins-clustered': { symptom: 'prompts', isTold: ofCalls },
  'app-memory-growth': { symptom: 'memory', isTold: ({ memory }) => (memory?.bytesPerHour ?? null) !== null },
};

export const telemetryChecks: Check<TelemetrySubject>[] = Object.entries(rows).map(([id, { symptom, isTold }]) => ({
  id,
  symptom,
  timeLimitMs: 25_000,
  run: async (subject) => {
    const { report, findings } = await subject.look();
    const evidence = [
      { what: 'role', value: report.role },
      { what: 'from', value: report.from },
      { what: 'to', value: report.to },
    ];
    const found = findings.find(({ check }) => check === id);
    if (found) return outcomeOf(found, id.replaceAll('-', '_'), evidence);
    if (isTold(report)) return pass('Nothing stands out in what the web app tells.', evidence);
    const absent = findings.find(({ check }) => check === 'app-metrics-absent');
    return unknown(
      'telemetry_silent',
      absent?.what ?? 'What the web app tells is too little to judge by.',
      absent?.advice ?? 'Look again when it has more traffic; `token-cache app` shows what there is.',
      evidence,
    );
  },
}));
