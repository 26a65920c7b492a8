import { buildDotnet, startDotnet } from './dotnet.ts';

export { dotnetFound, dotnetTimeLimitMs } from './dotnet.ts';

/** ASP.NET Core's Data Protection as a program of its own (test/interop/dataProtection), which answers requests. */

export interface Pfx {
  path: string;
  password: string;
}

export interface ConsumerRequest {
  op: 'consume' | 'write' | 'tokenCache';
  elements?: string[];
  folder?: string;
  redis?: string;
  now?: string;
  automaticGeneration?: boolean;
  applicationName?: string;
  purpose?: string;
  certificates?: Pfx[];
  vaultKeys?: Record<string, string>;
  protect?: string[];
  unprotect?: string[];
  steps?: { activation?: string; expiration?: string; revoke?: string; revokeAllBefore?: string }[];
  cached?: Record<string, string>;
  token?: string;
  /** Whether it is a token cache's; true unless it says otherwise. */
  encrypt?: boolean;
}

interface ConsumerAnswer {
  resolvedKeyId?: string;
  defaultKeyId?: string;
  minted: string[];
  protected: string[];
  unprotected: (string | null)[];
  error?: string;
  elements: string[];
  cached: Record<string, string>;
  token?: string;
  fromCache?: boolean;
}

export interface Consumer {
  ask(requests: ConsumerRequest[]): Promise<ConsumerAnswer[]>;
  close(): Promise<void>;
}

/** One process for all requests: each of them makes its app anew. */
export function startConsumer(): Consumer {
  const { ask, close } = startDotnet([buildDotnet('DataProtectionInterop')]);
  return { ask: async (requests) => (await ask(requests)) as ConsumerAnswer[], close };
}
