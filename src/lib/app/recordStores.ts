import { openTable } from '../azure/storage.ts';
import { type Clock, systemClock } from '../clock.ts';
import { FileRecordStore } from '../runs/fileRecordStore.ts';
import { noRecordStore, type RecordStore, unusableRecordStore } from '../runs/recordStore.ts';
import { recordTableName, TableRecordStore } from '../runs/tableRecordStore.ts';
import type { RecordStoreSettings } from '../settings/recordStoreSettings.ts';

/** The record store that the settings name. One for the process: it knows what it has made and pruned. */
export function openRecordStore(settings: RecordStoreSettings, clock: Clock = systemClock): RecordStore {
  switch (settings.kind) {
    case 'none':
      return noRecordStore;
    case 'wrong':
      return unusableRecordStore;
    case 'file':
      return new FileRecordStore(settings.folder);
    case 'table':
      return new TableRecordStore(
        () => openTable(settings.address, recordTableName),
        () => clock.now(),
      );
  }
}
