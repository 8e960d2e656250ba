import { describe, expect, test } from 'vitest'
import { compile, TemplateFault } from './language.ts'
import { plainText } from './plain-text.ts'

const values = {
  name: 'Ada <b>& Sons</b>',
  count: 3,
  nothing: 0,
  no: false,
  metadata: { team: { name: 'Hens' }, en: false, he: true, list: ['a', 'b'], 'first-name': 'A', size: 'big' },
}
const html = (template: string) => compile(template, 'html')(values)

describe('a template', () => {
  test.each([
    ['{{name}}', 'Ada &lt;b&gt;&amp; Sons&lt;/b&gt;'],
    ['{{ count }}, {{no}}, {{metadata.team.name}}', '3, false, Hens'],
    ['{{nobody}}.{{metadata.team.nobody.deeper}}', '.'],
    ['{{metadata}}{{metadata.list}}', ''],
    ['{{metadata.list.1}} {{metadata.first-name}} {{metadata.size}}', 'b A big'],
    ['{{#if name}}yes{{else}}no{{/if}}', 'yes'],
    ['{{#if metadata.en}}English{{else if metadata.he}}Hebrew{{else}}other{{/if}}', 'Hebrew'],
    ['{{#if nothing}}a{{/if}}{{#if no}}b{{/if}}{{#if nobody}}c{{/if}}{{#if metadata}}d{{/if}}', 'd'],
    ['{{#unless name}}a{{else}}b{{/unless}}', 'b'],
    ['{{#if name}}{{#if count}}both{{/if}}{{/if}}', 'both'],
    ['a{{! not shown }}b{{!-- nor }} this --}}c', 'abc'],
    ['{% if x %} {# #} { } }} {{#if name}}{ {{/if}}', '{% if x %} {# #} { } }} { '],
    ['<style>@media print { .a { color: red } }</style>', '<style>@media print { .a { color: red } }</style>'],
    ['{{true}}{{empty}}{{size}}{{contains}}{{metadata.list.size}}{{metadata.list.first}}{{name.size}}', ''],
  ])('%s says %s', (template, said) => {
    expect(html(template)).toBe(said)
  })

  test('shows values as they are in text, and on one line in a subject', () => {
    const broken = { name: 'Ada\r\nBcc: x' }
    expect(compile('{{name}}', 'text')(broken)).toBe(broken.name)
    expect(compile('{{name}}', 'line')(broken)).toBe('Ada Bcc: x')
  })

  test.each([
    ['{{name', 'line 1: {{ is not closed'],
    ['a\n\nb {{#each list}}', 'line 3: {{#each list}} is not understood'],
    ['{{{name}}}', 'line 1: {{{name}} is not understood'],
    ['{{> partial}}', 'line 1: {{> partial}} is not understood'],
    ['{{name | upcase}}', 'line 1: {{name | upcase}} is not understood'],
    ['{{upper name}}', 'line 1: {{upper name}} is not understood'],
    ['{{else name}}', 'line 1: {{else name}} is not understood'],
    ['{{#if a b}}', 'line 1: {{#if a b}} is not understood'],
    ['{{../name}}', 'line 1: {{../name}} is not understood'],
    ['{{a["b"]}}', 'line 1: {{a["b"]}} is not understood'],
    ['{{name.}}', 'line 1: {{name.}} is not understood'],
    ['{{}}', 'line 1: {{}} is not understood'],
    [`{{${'x y'.repeat(40)}}}`, `line 1: {{${'x y'.repeat(40).slice(0, 40)}…}} is not understood`],
    ['x\n{{#if name}}', 'line 2: a block is not closed, or not the one that was opened last'],
    ['{{/if}}', 'line 1: a block is not closed, or not the one that was opened last'],
    ['{{else}}', 'line 1: a block is not closed, or not the one that was opened last'],
    ['{{#if a}}{{#unless b}}{{/if}}{{/unless}}', 'line 1: a block is not closed, or not the one that was opened last'],
    ['\ue000 if x \ue001', 'line 1: the characters U+E000 to U+E003 cannot be used'],
    ['{{#if a}}'.repeat(21) + '{{/if}}'.repeat(21), 'line 1: blocks are nested more than 20 deep'],
    ['{{a}}'.repeat(5001), 'line 1: there are more than 5000 placeholders'],
  ])('%# that is malformed is refused, with its line', (template, fault) => {
    expect(() => compile(template, 'html')).toThrow(new TemplateFault(fault))
  })

  test('reads only what values have of their own', () => {
    const names = [
      'constructor',
      '__proto__',
      'toString',
      'metadata.constructor.name',
      'metadata.__proto__.toString',
      'name.constructor',
      'metadata.list.map',
    ]
    for (const name of names) {
      expect(html(`[{{${name}}}]`), name).toBe('[]')
      expect(html(`{{#if ${name}}}there{{/if}}`), name).toBe('')
    }
  })

  test('whose values take too much space is not filled', () => {
    const long = { name: 'x'.repeat(16_000) }
    expect(compile('{{name}}'.repeat(50), 'html')(long)).toHaveLength(800_000)
    expect(() => compile('{{name}}'.repeat(100), 'html')(long)).toThrow('too much space')
    expect(() => compile('{{name}}', 'line')(long)).toThrow('too much space')
    // the next one begins anew
    expect(html('{{count}}')).toBe('3')
  })

  test('takes time by its length, whatever it holds', () => {
    const began = performance.now()
    for (const part of ['{{', '{{#if ', '{', '}}', '{{!--', '{{a}}<', ' {{#if a}}', '\n{{'])
      try {
        compile(part.repeat(Math.floor(1_000_000 / part.length)), 'html')
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateFault)
      }
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

describe('an HTML mail as text', () => {
  test.each([
    ['<p>Hello&nbsp;<b>Ada</b>,</p><p>A &amp; B &lt;3 &#8364; &#x20ac;</p>', 'Hello Ada,\n\nA & B <3 € €\n'],
    ['<head><title>T</title><style>p { x: y }</style></head><body>seen<script>no</script></body>', 'seen\n'],
    [
      'Go <a class="x" href="https://a.example/?a=1&amp;b=2">there</a> now',
      'Go there (https://a.example/?a=1&b=2) now\n',
    ],
    ["<a href='https://a.example'>https://a.example</a>", 'https://a.example\n'],
    ['a<!-- > hidden -->b<br>c\n d', 'ab\nc d\n'],
    ['<table><tr><td>1</td><td>2</td></tr></table>', '1 2\n'],
    ['a <', 'a\n'],
    ['&unknown; &#1;&', '&unknown; &\n'],
  ])('%s', (page, text) => {
    expect(plainText(page)).toBe(text)
  })

  test('takes time by its length, whatever it holds', () => {
    const began = performance.now()
    for (const part of ['<', '<!--', '<style>', '<a href="', '</a>', '<a>', '&', '&#', ' \n', '<td'])
      plainText(part.repeat(Math.floor(1_000_000 / part.length)))
    expect(performance.now() - began).toBeLessThan(5000)
  })
})
