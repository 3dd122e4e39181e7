/** A person's picture; their name always stands beside it. Without one, the first letter. */
export function Avatar({ person, size }: { person: { name: string; avatarUrl: string | null }; size: number }) {
  if (person.avatarUrl === null) {
    return (
      <svg className="avatar" width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
        <text x="24" y="32" textAnchor="middle" fontSize="24" fill="currentColor">
          {person.name.slice(0, 1)}
        </text>
      </svg>
    )
  }
  // biome-ignore lint/performance/noImgElement: no image optimiser runs in this app
  return <img className="avatar" src={person.avatarUrl} alt="" width={size} height={size} />
}
