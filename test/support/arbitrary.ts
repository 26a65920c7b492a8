import fc from 'fast-check';
import { z } from 'zod';
import { ago, day, now } from './judging.ts';

/** Near `now`, often at the very same instant as another; now and then as far away as the schema lets it be. */
const instant = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 600 }).map((steps) => ago(steps * 300_000).toISOString()) },
  {
    weight: 5,
    arbitrary: fc
      .date({ min: ago(100 * day), max: new Date(now.getTime() + 100 * day), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('0001-01-01T00:00:00Z', '9999-12-31T23:59:59.9999999Z', '2026-11-24T12:00:00Z'),
  },
);

const duration = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 900_000 }).map((seconds) => `PT${seconds}S`) },
  { weight: 1, arbitrary: fc.constantFrom('PT0S', 'P1Y', 'P3W', 'P90000000D', 'P900000000000D', 'PT0.0000001S') },
);

/** Values of a schema, whatever it lets through: for what must hold of every record that can be read. */
export function arbitraryOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  if (schema instanceof z.ZodISODateTime) return instant;
  if (schema instanceof z.ZodISODuration) return duration;
  if (schema instanceof z.ZodString) return fc.string({ maxLength: 12 });
  if (schema instanceof z.ZodNumber)
    return schema.def.checks?.length || schema.isInt
      ? fc.oneof(fc.nat(), fc.integer({ min: -5, max: 5 }))
      : fc.double({ noNaN: true, noDefaultInfinity: true });
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodDefault) return arbitraryOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodNullable) return fc.option(arbitraryOf(schema.unwrap() as z.ZodType));
  if (schema instanceof z.ZodArray) return fc.array(arbitraryOf(schema.element as z.ZodType), { maxLength: 3 });
  if (schema instanceof z.ZodUnion)
    return fc.oneof(...schema.options.map((option) => arbitraryOf(option as z.ZodType)));
  if (schema instanceof z.ZodRecord) {
    const [key, value] = [schema.keyType as z.ZodType, arbitraryOf(schema.valueType as z.ZodType)];
    // All such keys must be there.
    if (key instanceof z.ZodEnum) return fc.record(Object.fromEntries(key.options.map((name) => [name, value])));
    return fc.dictionary(arbitraryOf(key) as fc.Arbitrary<string>, value, { maxKeys: 3 });
  }
  if (schema instanceof z.ZodDefault) return arbitraryOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodObject) return arbitraryObject(schema.shape as Record<string, z.ZodType>);
  throw new Error(`no values of ${schema.def.type} are known`);
}

function arbitraryObject(shape: Record<string, z.ZodType>): fc.Arbitrary<object> {
  const fields = Object.entries(shape).map(([key, field]) => {
    const isOptional = field instanceof z.ZodOptional;
    return { key, isOptional, arbitrary: arbitraryOf(isOptional ? (field.unwrap() as z.ZodType) : field) };
  });
  return fc.record(Object.fromEntries(fields.map(({ key, arbitrary }) => [key, arbitrary])), {
    requiredKeys: fields.filter(({ isOptional }) => !isOptional).map(({ key }) => key),
  });
}
