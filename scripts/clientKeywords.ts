/**
 * Writes src/lib/connectionStrings/clientKeywords.json: what the .NET clients of the web apps take in their connection strings, asked of
 * the clients themselves. Run it after a change of their versions in test/interop/clients/Clients.csproj.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../test/support/childProcess.ts';
import { buildClients, keywordFile } from '../test/support/clients.ts';

writeFileSync(join(root, 'src/lib/connectionStrings/clientKeywords.json'), keywordFile(buildClients()));
