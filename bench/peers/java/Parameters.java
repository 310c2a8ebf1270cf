/** The words `name=value` of the command line. A missing name is an error: the defaults are the harness's, not a peer's. */
import java.util.HashMap;
import java.util.Map;

final class Parameters {
  private final Map<String, String> values;

  private Parameters(Map<String, String> values) {
    this.values = values;
  }

  static Parameters parse(String[] words) {
    Map<String, String> values = new HashMap<>();
    for (String word : words) {
      int sign = word.indexOf('=');
      if (sign < 1) throw new IllegalArgumentException("not a name=value: " + word);
      values.put(word.substring(0, sign), word.substring(sign + 1));
    }
    return new Parameters(values);
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  String text(String name) {
    String value = values.get(name);
    if (value == null) throw new IllegalArgumentException("parameter missing: " + name);
    return value;
  }

  int integer(String name) {
    return (int) number(name);
  }

  double number(String name) {
    return Double.parseDouble(text(name));
  }
}
