"""The site's pages, and the tools that build and check them."""
