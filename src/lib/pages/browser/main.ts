// First of all: the key leaves the address.
import './functionKey.ts';
import { drawPlots } from './drawPlots.ts';
import { offerDryRuns } from './dryRun.ts';
import { offerReload } from './reload.ts';

document.addEventListener('DOMContentLoaded', () => {
  const enliven = () => {
    drawPlots();
    offerDryRuns();
  };
  enliven();
  offerReload(enliven);
});
