declare module 'virtual:roles' {
  const table: Record<string, string[]>
  export default table
}
