/** The portal's form for the compiled template, for whoever has no azd. How the portal shows it, only the portal knows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bicepMissing, compiledTemplate, infra } from '../support/bicep.ts';

interface Form {
  parameters: {
    basics: { name: string }[];
    steps: { name: string; elements: { name: string; constraints?: { regex?: string } }[] }[];
    outputs: Record<string, string>;
  };
}

describe.skipIf(bicepMissing() !== undefined)('the form of the portal', () => {
  let form: Form;
  let template: { parameters: Record<string, { type?: string; defaultValue?: unknown }> };
  beforeAll(() => {
    form = JSON.parse(readFileSync(join(infra, 'createUiDefinition.json'), 'utf8')) as Form;
    template = JSON.parse(compiledTemplate());
  }, 300_000);

  it('hands the template what it has parameters for, and all that it needs', () => {
    const given = Object.keys(form.parameters.outputs);
    expect(Object.keys(template.parameters)).toEqual(expect.arrayContaining(given));
    const needed = Object.entries(template.parameters).filter(
      ([, { defaultValue, ...rest }]) => defaultValue === undefined && !('nullable' in rest),
    );
    for (const [name] of needed) expect(given).toContain(name);
  });

  it('asks for what its outputs use, by patterns that are patterns', () => {
    const outputs = JSON.stringify(form.parameters.outputs);
    for (const [, step, element] of outputs.matchAll(/steps\('(\w+)'\)\.(\w+)/g))
      expect(form.parameters.steps.find(({ name }) => name === step)?.elements.map(({ name }) => name)).toContain(
        element,
      );
    for (const { elements } of form.parameters.steps)
      for (const { constraints } of elements)
        if (constraints?.regex) expect(new RegExp(constraints.regex).test('')).toBeTypeOf('boolean');
  });

  it('makes JSON of what was entered', () => {
    // The functions of the form that are used, on the values of one who attaches all.
    const steps = {
      caches: { sql: '/s', sqlTable: 'dbo.T', postgres: '', redis: { id: '/r' }, redisInstanceName: 'web:' },
      ring: { store: '/c', vaultKey: '' },
      watch: {
        workspace: { id: '/w' },
        component: {},
        appWorkspace: { id: '/a' },
        appRole: 'web',
        email: 'a@example.com',
      },
    };
    const evaluate = (text: string) =>
      new Function(
        'steps',
        'basics',
        'location',
        'empty',
        'iff',
        'concat',
        'parse',
        'not',
        `return ${text.slice(1, -1).replaceAll('if(', 'iff(')}`,
      )(
        (name: keyof typeof steps) => steps[name],
        () => 'web',
        () => 'westeurope',
        (value: unknown) => value === undefined || value === '',
        (condition: boolean, yes: unknown, no: unknown) => (condition ? yes : no),
        (...parts: string[]) => parts.join(''),
        JSON.parse,
        (value: boolean) => !value,
      );
    const { packageUri: _, ...expressions } = form.parameters.outputs;
    expect(Object.fromEntries(Object.entries(expressions).map(([name, text]) => [name, evaluate(text)]))).toEqual({
      environmentName: 'web',
      location: 'westeurope',
      sql: [{ name: 'web', id: '/s', table: 'dbo.T' }],
      postgres: [],
      redis: [{ name: 'redis', id: '/r', instanceName: 'web:' }],
      keyRings: [{ name: 'web', mode: 'observe', store: '/c', vaultKey: null }],
      webApps: [{ cache: 'web', workspaceId: '/a', role: 'web' }],
      monitoring: { workspaceId: '/w', componentId: null },
      alerts: { emails: ['a@example.com'], webhooks: [], rules: {} },
    });
  });
});
