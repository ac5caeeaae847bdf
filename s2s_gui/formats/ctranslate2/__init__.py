"""CTranslate2 folders and the packages made of them."""
