/** Where a project's screens stand: all of its parts share a tab, whichever feature they come from. */
export const inProject = { area: "projects", tab: ({ id = "" }: { readonly id?: string }) => `p-${id}` };
