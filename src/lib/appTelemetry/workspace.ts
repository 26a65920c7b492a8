import type { TokenCredential } from '@azure/identity';
import type { LogsQueryClientOptions } from '@azure/monitor-query-logs';
import { MaintenanceError } from '../errors.ts';
import type { QueryName } from './queries.ts';

/** A row of an answer, by the names of its columns. */
export type Row = Record<string, unknown>;

/** A Log Analytics workspace, as far as it is asked here. */
export interface Workspace {
  /**
   * The rows of a query; undefined where the service gave a part of them alone.
   * @throws MaintenanceError `app_workspace_forbidden`, `app_workspace_missing`, `app_workspace_busy`, `app_workspace_unavailable`
   */
  query(name: QueryName, text: string, from: Date, to: Date): Promise<Row[] | undefined>;
}

export interface WorkspaceOptions {
  /** Its id, a GUID. */
  workspace: string;
  /** Where queries go: `https://api.loganalytics.io`. */
  endpoint: string;
  credential: TokenCredential;
  /** Ends what is asked. */
  signal: AbortSignal;
  client?: Pick<LogsQueryClientOptions, 'tlsOptions' | 'retryOptions'>;
}

/** Opens a workspace by Microsoft's client, which waits and asks again where it is throttled. */
export async function openWorkspace({
  workspace,
  endpoint,
  credential,
  signal,
  client,
}: WorkspaceOptions): Promise<Workspace> {
  const { LogsQueryClient } = await import('@azure/monitor-query-logs');
  const { origin } = new URL(endpoint);
  const logs = new LogsQueryClient(credential, {
    endpoint: `${origin}/v1`,
    // The library's `audience` is read nowhere (1.0.0).
    credentials: { scopes: [`${origin}/.default`] },
    retryOptions: { maxRetries: 2, maxRetryDelayInMs: 20_000 },
    ...client,
  });
  // The client hands on no signal (1.0.0): here it ends a request, and a wait between two, too.
  logs.pipeline.addPolicy({
    name: 'endedBySignal',
    sendRequest: (request, next) => next(Object.assign(request, { abortSignal: signal })),
  });
  return {
    async query(name, text, from, to) {
      try {
        const answer = await logs.queryWorkspace(workspace, text, { startTime: from, endTime: to });
        if (answer.status !== 'Success') return undefined;
        const [table] = answer.tables;
        const columns = table?.columnDescriptors.map((column) => column.name ?? '') ?? [];
        return (table?.rows ?? []).map((row) => Object.fromEntries(row.map((value, index) => [columns[index], value])));
      } catch (error) {
        throw workspaceError(error, workspace, name, signal);
      }
    },
  };
}

function workspaceError(thrown: unknown, workspace: string, query: QueryName, signal: AbortSignal): MaintenanceError {
  const { statusCode, code = '' } = thrown as { statusCode?: number | string; code?: string };
  const status = Number(statusCode);
  const about = `The workspace ${workspace}`;
  if (status === 401 || status === 403)
    return new MaintenanceError(
      'app_workspace_forbidden',
      `${about} may not be read by this identity (${code || status}).`,
      'Give the identity the role Log Analytics Data Reader on the workspace; a fresh role takes some minutes.',
    );
  if (status === 404)
    return new MaintenanceError(
      'app_workspace_missing',
      `${about} is not there.`,
      'Check `app.workspace` of the cache in TOKEN_CACHES: it is the "Workspace ID" on the overview of the Log Analytics workspace, a GUID.',
    );
  if (status === 429)
    return new MaintenanceError(
      'app_workspace_busy',
      `${about} refuses more queries for now (429).`,
      'The next look asks again. Where it goes on, let the looks be rarer (SCHEDULE_APPS).',
    );
  const reason = signal.aborted
    ? 'no answer in time'
    : Number.isNaN(status)
      ? code || 'no connection'
      : `status ${status}`;
  return new MaintenanceError(
    'app_workspace_unavailable',
    `${about} could not be asked for ${query}: ${reason}.`,
    'See whether APP_LOGS_ENDPOINT can be reached from here. Where queries take longer, raise APP_TIMEOUT.',
  );
}
