/** A test as a JUnit report knows it: what CI systems show. */
export interface JUnitCase {
  readonly name: string
  readonly className: string
  readonly seconds: number
  /** What went wrong; absent: it passed. */
  readonly failure?: { readonly kind: 'failure' | 'error'; readonly message: string; readonly text: string }
  readonly skipped?: string
  readonly output?: string
}

/** One suite in the XML that Jenkins' JUnit plug-in, GitLab and GitHub's reporters read. */
export function junitXml(suite: string, cases: readonly JUnitCase[]): string {
  const failures = cases.filter(({ failure }) => failure?.kind === 'failure').length
  const errors = cases.filter(({ failure }) => failure?.kind === 'error').length
  const skipped = cases.filter(one => one.skipped !== undefined).length
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0)
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${seconds.toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(suite)}" ${counts}>`,
    ...cases.flatMap(caseLines),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function caseLines({ name, className, seconds, failure, skipped, output }: JUnitCase): string[] {
  const opening = `    <testcase name="${escaped(name)}" classname="${escaped(className)}" time="${seconds.toFixed(3)}"`
  const inner = [
    ...(skipped === undefined ? [] : [`      <skipped message="${escaped(skipped)}"/>`]),
    ...(failure === undefined
      ? []
      : [`      <${failure.kind} message="${escaped(failure.message)}">${escaped(failure.text)}</${failure.kind}>`]),
    ...(output === undefined ? [] : [`      <system-out>${escaped(output)}</system-out>`]),
  ]
  return inner.length === 0 ? [`${opening}/>`] : [`${opening}>`, ...inner, '    </testcase>']
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text as XML 1.0 takes it: entities for markup, nothing for control characters, which it does not know. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, mark => ENTITIES[mark] ?? mark).replaceAll(/[^\P{Cc}\n\t]/gu, '')
}
