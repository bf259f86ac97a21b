// What Next.js wants around every page.
export default ({ children }) => <html lang="en"><body>{children}</body></html>;
