/** Has one view for each object, which an open page then need not compare. @param view returns what does not change later */
export function viewOnce<Data extends object, View>(view: (data: Data) => View): (data: Data) => View {
  const views = new WeakMap<Data, { view: View }>();
  return (data) => {
    const known = views.get(data) ?? { view: view(data) };
    views.set(data, known);
    return known.view;
  };
}
