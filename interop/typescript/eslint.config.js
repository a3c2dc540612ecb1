import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "build/"] },
  { files: ["**/*.js"], extends: [tseslint.configs.strict] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: ["src/tsconfig.json", "tests/tsconfig.json"] } },
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test"] }],
        },
      ],
      // Indices are in range where arrays are read; the compiler is told so at each place.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
);
