import type { z } from 'zod';

/** What a setting, or a field of one, takes, has by default and means, in words, for the documents: as its schema says it. */
export interface SettingForm {
  name: string;
  /** Undefined where it has none. */
  byDefault: string | undefined;
  isNeeded: boolean;
  takes: string;
  meaning: string;
}

export function formsOf(shape: Readonly<Record<string, z.ZodType>>): SettingForm[] {
  return Object.entries(shape).map(([name, field]) => {
    const byDefault = String(('defaultValue' in field.def ? field.def.defaultValue : undefined) ?? '');
    // No setting takes a NUL, and each says what it wants instead.
    const said = field.safeParse('\0').error?.issues[0]?.message ?? 'any text';
    return {
      name,
      byDefault: byDefault === '' ? undefined : byDefault,
      isNeeded: !field.safeParse(undefined).success,
      takes: said.replace(/^must (be|have|name) /, '').replace(/^Invalid input: expected (\w+).*/, 'JSON: $1'),
      meaning: field.meta()?.description ?? '',
    };
  });
}
