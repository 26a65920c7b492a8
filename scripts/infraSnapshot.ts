/** Formats the Bicep files and writes their snapshots anew: `npm run infra:snapshot`, after a change in infra/. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bicepMissing, infra, restoreBicep } from '../test/support/bicep.ts';
import { startBicep } from '../test/support/bicepServer.ts';
import { deployments, snapshotPath, takeSnapshot } from '../test/support/snapshots.ts';

if (bicepMissing() !== undefined) process.exit(1);
const bicep = startBicep(restoreBicep());
const sources = readdirSync(infra, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.bicep(param)?$/.test(file),
);
for (const file of sources) writeFileSync(join(infra, file), await bicep.formatted(file));
const chosen = process.argv.slice(2);
for (const deployment of chosen.length > 0 ? chosen : deployments) {
  writeFileSync(snapshotPath(deployment), await takeSnapshot(bicep, deployment));
  console.log(deployment);
}
await bicep.stop();
