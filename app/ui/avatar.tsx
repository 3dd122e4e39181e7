interface Props {
  person: { name: string; avatarUrl: string | null }
  /** CSS pixels. */
  size: number
  /** Moves along to the next page's, where the browser can. At most one on a page. */
  travels?: boolean
}

/** A person's picture; their name always stands beside it. Without one, the first letter. */
export function Avatar({ person, size, travels = false }: Props) {
  const className = travels ? 'avatar traveller' : 'avatar'
  if (!isOurs(person.avatarUrl)) {
    const [letter = ''] = person.name
    return (
      <svg className={className} width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
        <text x="24" y="32" textAnchor="middle" fontSize="24" fontWeight="600" fill="currentColor">
          {letter}
        </text>
      </svg>
    )
  }
  // biome-ignore lint/performance/noImgElement: no image optimiser runs in this app
  return <img className={className} src={person.avatarUrl} alt="" width={size} height={size} />
}

/** A page shows pictures from its own origin only: another would learn who signs in, and the policy does not let it. */
function isOurs(avatarUrl: string | null): avatarUrl is string {
  return avatarUrl?.startsWith('/') ?? false
}
