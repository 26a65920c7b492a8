/** Formats the Bicep files and writes their snapshots anew: `npm run infra:snapshot`, after a change in infra/. */
import { bicep, bicepMissing, infra, restoreBicep, snapshotScope } from '../test/support/bicep.ts';
import { deployments } from '../test/support/snapshots.ts';

if (bicepMissing() !== undefined) process.exit(1);
const program = restoreBicep();
for (const pattern of ['**/*.bicep', '*.bicepparam']) bicep(program, ['format', '--pattern', `${infra}/${pattern}`]);
for (const deployment of deployments) {
  const args = ['snapshot', `${deployment}.bicepparam`, '--mode', 'overwrite', ...snapshotScope];
  const { status, diagnostics } = bicep(program, args);
  if (status !== 0) {
    console.error(diagnostics.join('\n'));
    process.exit(1);
  }
}
