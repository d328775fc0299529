// Login URL USER PASSWORD: log in by JDBC, say who and where we are, run the same prepared
// statement often, say how often the answer was right.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

public class Login {
	static final int ROUNDS = 20;

	public static void main(String[] words) throws Exception {
		int right = 0;
		try (Connection db = DriverManager.getConnection(words[0], words[1], words[2])) {
			try (ResultSet row = db.createStatement().executeQuery(
					"select current_user::text, current_database()::text")) {
				row.next();
				System.out.println(row.getString(1) + " " + row.getString(2));
			}
			for (int i = 0; i < ROUNDS; i++) {
				db.setAutoCommit(i % 2 == 0);
				try (PreparedStatement ask = db.prepareStatement("select ?::int + 1")) {
					ask.setInt(1, i);
					try (ResultSet row = ask.executeQuery()) {
						row.next();
						right += row.getInt(1) == i + 1 ? 1 : 0;
					}
				}
				if (!db.getAutoCommit())
					db.commit();
			}
		}
		System.out.println(right + " of " + ROUNDS);
	}
}
