/**
 * The three functions of the Reflect metadata proposal that the X.509 library's dependency container calls.
 *
 * Import it before `@peculiar/x509`. Does nothing where a full polyfill is loaded.
 */
interface ReflectMetadata {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

const reflect = Reflect as ReflectMetadata;

if (reflect.getMetadata === undefined) {
  const store = new WeakMap<object, Map<unknown, unknown>>();
  const getOwn = (key: unknown, target: object) => store.get(target)?.get(key);
  reflect.getOwnMetadata = getOwn;
  reflect.getMetadata = (key, target) => {
    for (let object: object | null = target; object !== null; object = Object.getPrototypeOf(object)) {
      if (store.get(object)?.has(key)) return getOwn(key, object);
    }
    return undefined;
  };
  reflect.defineMetadata = (key, value, target) => {
    const entries = store.get(target) ?? new Map<unknown, unknown>();
    store.set(target, entries.set(key, value));
  };
}
