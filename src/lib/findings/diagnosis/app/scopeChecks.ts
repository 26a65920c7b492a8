import { type Outcome, pass, unknown, warning } from '../../../checks/check.ts';
import { type Place, placeText } from '../../../webApp/csharp/syntax.ts';
import { isKnown, knownAs, knownText, type Value } from '../../../webApp/csharp/value.ts';
import type { ScopeUse } from '../../../webApp/facts.ts';
import type { World } from '../../../webApp/world.ts';
import { type AppSubject, appChecks, at } from './appSubject.ts';

/** Scopes that a web app asks for, and is not configured with: nobody has consented to them, and each call prompts. */

export const scopeChecks = appChecks('prompts', { 'app-scopes': judgeScopes });

interface Scopes {
  known: Set<string>;
  unknownAt: Place | undefined;
}

function judgeScopes(world: World, { app }: AppSubject): Outcome {
  const signsIn = world.call(/^AddMicrosoftIdentityWebApp\w*$/);
  if (!signsIn) return pass('The app signs no users in: nobody is prompted for scopes.');
  const asked = app.scopes.filter(({ kind }) => kind === 'requested');
  const configured = collect(app.scopes.filter(({ kind }) => kind !== 'requested'));
  const missing = asked.flatMap(({ scopes, place }) => {
    const { known, unknownAt } = collect([{ kind: 'requested', scopes, place }]);
    const strange = [...known].filter((scope) => !covers(configured.known, scope));
    return strange.length > 0 || unknownAt ? [{ place, strange, unknownAt }] : [];
  });
  const sure = missing.filter(({ strange }) => strange.length > 0);
  const evidence = asked.map(({ place }) => at('scopes requested', place));
  if (sure.length > 0 && !configured.unknownAt)
    return warning({
      cause: 'scopes_not_configured',
      what: `Scopes are requested that are configured nowhere: ${sure.map(({ strange, place }) => `${strange.join(', ')} (${placeText(place)})`).join('; ')}. Users have not consented to them, and are prompted there.`,
      evidence: [at('signs in', signsIn.place), ...sure.map(({ place }) => at('scopes requested', place))],
      advice: `Name them where the app signs in: \`.EnableTokenAcquisitionToCallDownstreamApi(["${[...configured.known, ...sure.flatMap(({ strange }) => strange)].join('", "')}"])\`, or ask for them with \`[AuthorizeForScopes]\`.`,
    });
  const open = sure.length > 0 ? configured.unknownAt : missing.find(({ unknownAt }) => unknownAt)?.unknownAt;
  if (open)
    return unknown(
      'scopes_at_run_time',
      `Scopes (${placeText(open)}) are built at run time, or set outside of the source.`,
      'Look whether the scopes that are requested are those that are configured.',
      [at('scopes', open)],
    );
  return pass(
    asked.length === 0 ? 'The app requests no scopes by name.' : 'All scopes that are requested are configured.',
    evidence,
  );
}

function collect(uses: readonly ScopeUse[]): Scopes {
  const found: Scopes = { known: new Set(), unknownAt: undefined };
  const add = (value: Value): void => {
    const [text, list] = [knownText(value), knownAs(value, 'list')];
    for (const scope of text?.split(/[\s,]+/) ?? []) if (scope !== '') found.known.add(normal(scope));
    list?.items.forEach(add);
    if (!isKnown(value) || (typeof value.known === 'object' && value.known !== null && !list))
      found.unknownAt ??= value.place;
  };
  for (const { scopes } of uses) add(scopes);
  return found;
}

/** Scopes of Microsoft Graph may leave its address out, and no scope knows upper case. */
const normal = (scope: string) => scope.toLowerCase().replace(/^https:\/\/graph\.microsoft\.com\//, '');

function covers(configured: ReadonlySet<string>, scope: string): boolean {
  if (configured.has(scope) || /^(openid|profile|offline_access|email)$/.test(scope)) return true;
  const resource = /^(.*)\/\.default$/.exec(scope)?.[1];
  if (scope === '.default') return [...configured].some((each) => !each.includes('/'));
  return resource !== undefined && [...configured].some((each) => each.startsWith(`${resource}/`));
}
