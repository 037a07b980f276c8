/**
 * Has one view for each object. The view is frozen, so the page writes it as text once.
 * @param view returns what does not change later
 */
export function viewOnce<Data extends object, View extends object>(
  view: (data: Data) => View,
): (data: Data) => View {
  const views = new WeakMap<Data, View>();
  return (data) => {
    const known = views.get(data) ?? Object.freeze(view(data));
    views.set(data, known);
    return known;
  };
}
