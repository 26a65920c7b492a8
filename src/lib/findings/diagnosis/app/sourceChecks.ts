import { critical, type Evidence, type Outcome, pass, unknown, warning, worst } from '../../../checks/check.ts';
import type { Clock } from '../../../clock.ts';
import { placeText } from '../../../webApp/csharp/syntax.ts';
import { faultsOf, supportEndOf, supportEndOfFramework } from '../../../webApp/packages.ts';
import type { World } from '../../../webApp/world.ts';
import { type AppSubject, appChecks, at } from './appSubject.ts';

/** What was read at all, and the packages. */

export const sourceChecks = [
  ...appChecks('deserialization', { 'app-packages': judgePackages, 'app-support': judgeSupport }),
  ...appChecks('maintenance', { 'app-source': judgeSource }),
];

function judgePackages(_: World, { app }: AppSubject): Outcome {
  const outcomes = app.packages.flatMap(({ name, version, place }) =>
    faultsOf(name, version).map(({ grave, id, what, use, source }) => {
      const told = {
        cause: 'package_has_a_fault',
        what: `${name} ${version} (${placeText(place)}) has ${id}: ${what}.`,
        evidence: [at(name, place), { what: 'source', value: source }],
        advice: `Use ${use}.`,
      };
      return grave ? critical(told) : warning(told);
    }),
  );
  const open = app.packages.find(
    ({ name, version }) => version === undefined && faultsOf(name, '0.0.0', true).length > 0,
  );
  if (outcomes.length > 0) return worst(outcomes, pass(''));
  if (open)
    return unknown(
      'version_not_known',
      `The version of ${open.name} (${placeText(open.place)}) does not stand in the source.`,
      'Look it up with `dotnet list package --include-transitive --vulnerable`.',
      [at(open.name, open.place)],
    );
  return pass('No package of the token cache has a fault that is known here.', versionsOf(app));
}

function versionsOf({ packages }: AppSubject['app']): Evidence[] {
  return packages
    .filter(
      ({ name, version }) =>
        version !== undefined && /^Microsoft\.Identity|DataProtection|Caching|StackExchange\.Redis$/.test(name),
    )
    .map(({ name, version = '' }) => ({ what: name, value: version }));
}

function judgeSupport(_: World, { app }: AppSubject, clock: Clock): Outcome {
  const ends = [
    ...app.frameworks.map(({ name, place }) => ({ name, place, end: supportEndOfFramework(name) })),
    ...app.packages.map(({ name, version, place }) => ({
      name: `${name} ${version}`,
      place,
      end: supportEndOf(name, version),
    })),
  ];
  const over = [...new Map(ends.map((each) => [each.name, each])).values()].filter(
    ({ end }) => end === 'ended' || (end !== undefined && end.getTime() <= clock.now().getTime()),
  );
  if (over.length === 0) return pass('The frameworks and packages that are named are supported.');
  return warning({
    cause: 'out_of_support',
    what: `No longer supported: ${over.map(({ name, place, end }) => `${name} (${placeText(place)}${end instanceof Date ? `, since ${end.toISOString().slice(0, 10)}` : ''})`).join(', ')}.`,
    evidence: over.map(({ name, place }) => at(name, place)),
    advice: 'Move to a supported release: `net10.0` until November 2028, Microsoft.Identity.Web 4.',
  });
}

function judgeSource(_: World, { app }: AppSubject): Outcome {
  const [first] = app.unparsed;
  if (first)
    return unknown(
      'code_not_parsed',
      `Code that concerns the token cache could not be read: ${app.unparsed.map(({ place }) => placeText(place)).join(', ')}. The rest was.`,
      'Look at these lines; `#if` within an expression, and C# newer than the parser, are mostly what it is.',
      app.unparsed.map(({ place }) => at('not parsed', place)),
    );
  if (app.leftOut.some((each) => !each.startsWith('the link')))
    return unknown(
      'source_left_out',
      `Left out: ${app.leftOut.join('; ')}.`,
      'Name the folder of the one app.',
      app.leftOut.map((value) => ({ what: 'left out', value })),
    );
  return pass(
    'The source was read.',
    app.leftOut.map((value) => ({ what: 'left out', value })),
  );
}
