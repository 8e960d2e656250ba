import type { ComponentChildren } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { colourPath, script, stylesheet } from './assets.ts'
import { common, type Language } from './texts.ts'
import type { Theme } from './theme.ts'
import type { Shown } from './visit.ts'

interface Frame {
  readonly base: string
  readonly language: Language
  readonly theme: Theme
}

/** A whole page. */
export const pageOf = (frame: Frame, shown: Shown) => `<!doctype html>${renderToString(<Page {...frame} {...shown} />)}`

function Page({ base, language, theme, title, body, isFaulty, goesOnTo }: Frame & Shown) {
  const { colour, logo, name } = theme,
    wholeTitle = `${isFaulty ? `${common[language].error}: ` : ''}${title}${name && ` – ${name}`}`
  return (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        {goesOnTo !== undefined && <meta http-equiv="refresh" content={`0;url=${goesOnTo}`} />}
        <title>{wholeTitle}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={`${base}${stylesheet.path}`} />
        {colour !== undefined && <link rel="stylesheet" href={`${base}${colourPath(colour)}`} />}
        <script src={`${base}${script.path}`} defer />
      </head>
      <body>
        <main>
          <Brand name={name} logo={logo} />
          <h1>{title}</h1>
          {body}
        </main>
      </body>
    </html>
  )
}

function Brand({ name, logo }: Pick<Theme, 'name' | 'logo'>) {
  if (logo !== undefined) return <img class="logo" src={logo} alt={name} />
  return name ? <p class="brand">{name}</p> : null
}

/** What went wrong, above the form. It takes the focus, also without the script. */
export function Problem({ language, children }: { language: Language; children: ComponentChildren }) {
  return (
    <div class="problem" role="alert" tabIndex={-1} autofocus>
      <h2>{common[language].problem}</h2>
      {children}
    </div>
  )
}
