import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, jsonData } from '../../src/lib/html.ts';

describe('markup', () => {
  it('escapes every value, and takes markup, lists, null and false as they are', () => {
    const item = (text: string) => html`<li>${text}</li>`;
    expect(html`<ul title="${'"\'&'}">${['<b>', 'a'].map(item)}</ul>${null}${false}${7}`.text).toBe(
      '<ul title="&quot;&#39;&amp;"><li>&lt;b&gt;</li><li>a</li></ul>7',
    );
  });

  it('lets no text become markup, in an element or an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.text).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  it('keeps data in their script element, unchanged', () => {
    const piece = fc.constantFrom('</script>', '<!--', '<script', ']]>', '\u2028', 'a', '"', '\\');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { text } = jsonData({ pieces });
        expect(text).not.toContain('<');
        expect(JSON.parse(text)).toEqual({ pieces });
      }),
    );
  });
});
