// First of all: the key leaves the address.
import './functionKey.ts';
import { drawPlots } from './drawPlots.ts';
import { offerReload } from './reload.ts';

document.addEventListener('DOMContentLoaded', () => {
  drawPlots();
  offerReload(drawPlots);
});
