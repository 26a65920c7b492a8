/** Formats the Bicep files and writes their snapshots anew: `npm run infra:snapshot`, after a change in infra/. */
import { writeFileSync } from 'node:fs';
import { bicep, bicepMissing, infra, restoreBicep } from '../test/support/bicep.ts';
import { deployments, snapshotPath, takeSnapshots } from '../test/support/snapshots.ts';

if (bicepMissing() !== undefined) process.exit(1);
const program = restoreBicep();
for (const pattern of ['**/*.bicep', '**/*.bicepparam']) bicep(program, ['format', '--pattern', `${infra}/${pattern}`]);
const chosen = process.argv.slice(2);
takeSnapshots(program, chosen.length > 0 ? chosen : deployments, (deployment, text) => {
  console.log(deployment);
  writeFileSync(snapshotPath(deployment), text);
});
