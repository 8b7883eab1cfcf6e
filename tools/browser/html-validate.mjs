// What html-validate asks of pages: everything that makes HTML invalid or hard to use; not how its source is written.
export default {
  root: true,
  extends: ["html-validate:recommended", "html-validate:document"],
  rules: {
    // An error summary stands before the heading of its page and has a heading of its own, as on GOV.UK.
    "heading-level": ["error", { minInitialRank: "any" }],
    // Wide tables scroll inside a labelled region that takes the focus; a <section> would do the same.
    "prefer-native-element": ["error", { exclude: ["region"] }],
    // A title says what is wrong, what is asked and whose page it is.
    "long-title": ["error", { maxlength: 110 }],
    // Every file comes from our own host, under a name made of its content.
    "require-sri": "off",
    // A label around its radio button that also names it serves older speech software.
    "no-redundant-for": "off",
    // Boxes to tick of one question share its name, as radio buttons do.
    "form-dup-name": ["error", { shared: ["radio", "checkbox", "button", "reset", "submit"] }],
    // Matters of taste in source that nobody reads.
    "doctype-style": "off",
    "no-trailing-whitespace": "off",
    "tel-non-breaking": "off",
  },
};
