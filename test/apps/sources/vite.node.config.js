// Vite leaves packages where they are when it builds for servers; this takes them along.
export default { ssr: { noExternal: true } };
