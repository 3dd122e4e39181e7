interface Props {
  person: { name: string; avatarUrl: string | null }
  /** CSS pixels. */
  size: number
  /** Moves to the avatar of the next page in a view transition. At most one on a page. */
  travels?: boolean
}

/** A person's picture, or their first letter. Decoration: the name is beside it. */
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

/** Only pictures of our origin: another would learn who signs in, and the CSP blocks it. */
function isOurs(avatarUrl: string | null): avatarUrl is string {
  return avatarUrl?.startsWith('/') ?? false
}
