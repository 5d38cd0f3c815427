export default {
  compilerOptions: {
    runes: true,
    // Under our content security policy styles come from files only.
    css: 'external',
  },
}
