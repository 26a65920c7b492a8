import { type Clock, systemClock } from '../clock.ts';
import { FileRecordStore } from '../runs/fileRecordStore.ts';
import { openRecordTable } from '../runs/openRecordTable.ts';
import { noRecordStore, type RecordStore } from '../runs/recordStore.ts';
import { TableRecordStore } from '../runs/tableRecordStore.ts';
import type { RecordStoreSettings } from '../settings/recordStoreSettings.ts';

/** The record store that the settings name. One for the process: it knows what it has made and pruned. */
export function openRecordStore(settings: RecordStoreSettings, clock: Clock = systemClock): RecordStore {
  switch (settings.kind) {
    case 'none':
      return noRecordStore;
    case 'file':
      return new FileRecordStore(settings.folder);
    case 'table':
      return new TableRecordStore(
        () => openRecordTable(settings),
        () => clock.now(),
      );
  }
}
