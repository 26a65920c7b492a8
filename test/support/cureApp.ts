import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckReport } from '../../src/lib/checks/diagnosisReport.ts';
import { samples } from './sampleApps.ts';

/** Does to a sample app what the advice of a finding says, and no more: what stands there as code is put where the finding points. */

/** @returns the folder of the cured app */
export function curedApp(name: string, { advice, evidence }: CheckReport): string {
  const folder = mkdtempSync(join(tmpdir(), 'cured-app-'));
  cpSync(join(samples, name), folder, { recursive: true });
  const places = evidence.map(({ value }) => /^(\w+\.\w+):(\d+)$/.exec(String(value)) ?? []);
  const [, file = '', line = ''] = places.find((place) => place.length > 0) ?? [];
  const path = join(folder, file);
  const source = new Source(readFileSync(path, 'utf8'), Number(line));
  source.follow(advice ?? '');
  writeFileSync(path, file.endsWith('.cs') ? withUsings(source.text) : source.text);
  return folder;
}

/** As an editor adds them. */
function withUsings(text: string): string {
  const missing = [
    'Azure.Identity',
    'Microsoft.AspNetCore.DataProtection',
    'Microsoft.Identity.Web.TokenCacheProviders.Distributed',
  ].filter((name) => !text.includes(`using ${name};`));
  return missing.map((name) => `using ${name};\n`).join('') + text;
}

class Source {
  text: string;
  /** Where the finding points: the beginning of its line. */
  readonly #at: number;

  constructor(text: string, line: number) {
    this.text = text;
    this.#at = lineStart(text, line);
  }

  follow(advice: string): void {
    const line = /[Tt]ake out \w+\.cs:(\d+)/.exec(advice)?.[1];
    if (line !== undefined) {
      this.#removeCall(lineStart(this.text, Number(line)));
      return;
    }
    const property = /Take `(\w+)` out/.exec(advice)?.[1];
    if (property !== undefined) this.#remove(this.text.indexOf(`options.${property} =`));
    else if (advice.startsWith('Take it out')) this.#remove(this.#at);
    const [, code = ''] = /(?:[Ww]rite|Add|Register one:|Register it:|ring:|in:|keys:) `([^`]+)`/.exec(advice) ?? [];
    const [, where = ''] = /in `Configure<(\w+)>`/.exec(advice) ?? [];
    if (code.startsWith('builder.')) this.#statement(code);
    else if (code.startsWith('options.')) this.#option(code, where);
    else if (code.startsWith('.')) this.#call(code, advice);
    else if (code.startsWith('abortConnect')) this.#inString(`,${code}`);
    else if (code !== '') this.#insert(this.text.indexOf('{', this.#at) + 1, ` ${code},`);
  }

  #insert(at: number, text: string): void {
    this.text = this.text.slice(0, at) + text + this.text.slice(at);
  }

  /** At the end of the last text of the line. */
  #inString(text: string): void {
    this.#insert(this.text.lastIndexOf('"', this.text.indexOf('\n', this.#at)), text);
  }

  /** The end of the statement, or of the call, that begins here. */
  #endOf(start: number, ends: RegExp): number {
    let depth = 0;
    for (let at = start; at < this.text.length; at += 1) {
      const char = this.text[at] ?? '';
      if (depth === 0 && ends.test(char)) return at + 1;
      if (/[({[]/.test(char)) depth += 1;
      if (/[)}\]]/.test(char)) depth -= 1;
      if (depth === 0 && char === ')' && ends.source === '\\)') return at + 1;
    }
    throw new Error('no end');
  }

  #remove(start: number): void {
    this.text = this.text.slice(0, start) + this.text.slice(this.#endOf(start, /;/));
  }

  /** The last call of a chain, or a statement. */
  #removeCall(start: number): void {
    const dot = start + (this.text.slice(start).match(/^\s*/)?.[0].length ?? 0);
    if (this.text[dot] !== '.') this.#remove(start);
    else this.text = this.text.slice(0, dot) + this.text.slice(this.#endOf(dot, /\)/));
  }

  /** In place of a statement that calls the same, or of that at which the finding points; else before the app is built. */
  #statement(code: string): void {
    const same = code.slice(0, code.indexOf('('));
    const there = same.endsWith('AddDataProtection') ? this.text.indexOf(`${same}(`) : -1;
    const memory = this.text.indexOf('builder.Services.AddDistributedMemoryCache', this.#at);
    const start = there >= 0 ? there : same.includes('RedisCache') ? memory : -1;
    if (start >= 0) this.#remove(start);
    const build = /^(var app = builder\.Build|builder\.Build)/m.exec(this.text)?.index ?? 0;
    this.#insert(start >= 0 ? start : build, `${code}\n`);
  }

  /** In place of the same option; else first in the lambda that configures these options, or at which the finding points. */
  #option(code: string, where: string): void {
    const same = this.text.indexOf(code.slice(0, code.indexOf(' =') + 2));
    if (same >= 0) {
      const end = this.#endOf(same, /[;)]/);
      const isExpression = this.text[end - 1] === ')';
      const [text, rest] = isExpression ? [code.replace(';', ''), end - 1] : [code, end];
      this.text = this.text.slice(0, same) + text + this.text.slice(rest);
      return;
    }
    const object = code.split('.').slice(0, 2).join('.');
    const parent = this.text.indexOf(`${object} =`);
    const from = where === '' ? this.#at : this.text.indexOf(`Configure<${where}>`);
    const lambda = this.text.indexOf('{', from) + 1;
    this.#insert(parent >= 0 ? this.#endOf(parent, /;/) : lambda, `\n    ${code}`);
  }

  /** In place of the same call, or of that at which the finding points; else behind it. */
  #call(code: string, advice: string): void {
    const same = this.text.indexOf(code.slice(0, code.indexOf('(') + 1));
    const start = same >= 0 ? same : this.text.indexOf('.Add', this.#at);
    if (same < 0 && !advice.includes('in its place'))
      this.#insert(this.#endOf(this.text.indexOf('(', this.#at), /\)/), code);
    else this.text = this.text.slice(0, start) + code + this.text.slice(this.#endOf(start, /\)/));
    const before = /before it `(builder\.[^`]+)`/.exec(advice)?.[1];
    if (before !== undefined) this.#statement(before);
  }
}

const lineStart = (text: string, line: number) => text.split('\n', line - 1).join('\n').length + 1;
