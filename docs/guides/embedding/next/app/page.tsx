export default function Page() {
  return <main>Your own pages.</main>
}
