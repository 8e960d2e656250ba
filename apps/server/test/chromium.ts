import { existsSync } from 'node:fs'

/** Where Chromium is, if there is one; else the run says which tests are skipped. @param tests in words */
export function chromiumFor(tests: string) {
  const path = [
    process.env['CHROMIUM'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((one) => one !== undefined && existsSync(one))
  if (path === undefined) process.stderr.write(`No Chromium here (CHROMIUM names it): ${tests} are skipped\n`)
  return path
}
