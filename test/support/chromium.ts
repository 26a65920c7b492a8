import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpResponseInit } from '@azure/functions';
import { type Browser, chromium } from 'playwright-core';

const program = '/usr/bin/chromium';

/** Whether Debian's Chromium is there; says so where it is not. */
export function hasChromium(): boolean {
  const found = existsSync(program);
  if (!found) console.warn(`Skipped: ${program} is missing (apt-get install chromium).`);
  return found;
}

export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** Serves answers of a function as they are. `answer` may change from request to request. */
export async function serve(answer: (headers: Record<string, unknown>) => HttpResponseInit) {
  const server = createServer((request, response) => {
    const { status = 200, headers, body } = answer(request.headers);
    response.writeHead(status, headers as Record<string, string>).end(body as string);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/status`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
