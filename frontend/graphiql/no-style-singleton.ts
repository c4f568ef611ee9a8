// Stands in for react-style-singleton, which writes <style> elements to keep the document from scrolling behind a dialog.
// This document never scrolls, and its Content-Security-Policy refuses such elements.

export const styleSingleton = () => () => null;
